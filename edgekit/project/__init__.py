"""What the user asks for: the project file, and where model and data come from."""
