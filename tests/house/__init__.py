"""Tests of the repository itself: its layout, its imports and what it ships."""
