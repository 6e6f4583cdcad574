"""One model on one device: does it run there, does it fit, how fast, and how sure are we."""
