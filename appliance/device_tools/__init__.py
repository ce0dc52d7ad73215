"""Tools that every Luna has; each public function of these files is one that a model may call."""
