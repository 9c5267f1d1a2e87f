"""Properties: programs enter, the ways in which they disagree with what is known of them leave."""
