package domain

// Versions gives every event type with its current version.
func Versions() map[string]int {
	versions := map[string]int{}
	for name, schema := range schemas {
		versions[name] = schema.version()
	}
	return versions
}
