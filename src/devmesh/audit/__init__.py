"""What happened: intent and outcome of every tool call, every refusal and every administrative change."""
