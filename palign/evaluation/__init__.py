"""Measures whether conditioning moves answers towards what a simulated user wants; the product never imports it."""
