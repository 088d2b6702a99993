"""The claims one by one."""
