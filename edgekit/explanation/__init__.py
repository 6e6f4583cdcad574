"""Why an integer model lost accuracy: which operator costs it, the likely cause, what to try."""
