"""What Atlassian's products share: their credentials, refusals, documents and uploads. It is no connector itself."""
