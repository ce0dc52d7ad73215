"""What runs models: one supervised child process for each loaded model."""
