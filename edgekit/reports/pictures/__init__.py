"""The geometry of the report's pictures, in percent of their width and height."""
