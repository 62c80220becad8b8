"""Several networks trained by one recipe under one budget, and what came of it."""
