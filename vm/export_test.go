package vm

// PassNames returns the names in the table of passes.
func PassNames() (names []string) {
	for _, p := range passes {
		names = append(names, p.name)
	}
	return names
}
