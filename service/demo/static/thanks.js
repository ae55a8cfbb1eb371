// The order is placed: what the visitor came with has done its work.
addEventListener("load", () => window.orchard && window.orchard.forget());
