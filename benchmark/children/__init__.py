"""Child processes: how they are started, limited, watched and ended, and the answers that they leave."""
