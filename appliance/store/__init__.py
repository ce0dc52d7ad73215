"""What the appliance remembers, in one SQLite file; a module for each noun has its own SQL."""
