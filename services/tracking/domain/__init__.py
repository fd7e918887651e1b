"""What tracking decides, without asking anybody: links, revisions, tokens, verdicts."""
