"""conf/ -> validated records: who says what, and is it valid?"""
