"""The experiment that a team runs to choose: many builds of one project, held side by side."""
