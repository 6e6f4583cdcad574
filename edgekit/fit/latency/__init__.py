"""Time and where it is known from: amounts of work, cost models, measurements."""
