package bot

// validate checks the roles that commands need.
func (c CommandsConfig) validate(k *configCheck) {
	for _, verb := range Verbs {
		k.oneOf("commands.levels."+string(verb), *c.Levels.of(verb), sortedKeys(levels)...)
	}
}
