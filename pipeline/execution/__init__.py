"""Run many: questions to answers, through a store that outlives every crash."""
