"""/v1/links, and the hosts of shops' own under which they are followed."""
