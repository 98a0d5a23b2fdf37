"""What leaves for a paper: tables and figures in the forms that journals take."""
