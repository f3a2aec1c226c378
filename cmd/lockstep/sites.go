package main

import (
	"maps"
	"slices"

	"lockstep/bot"
	"lockstep/bot/web"
)

// sites returns the environments of all tracks, each once, with the packages that are
// deployed there.
func sites(cfg *bot.Config) []web.Site {
	var all []web.Site
	for _, name := range slices.Sorted(maps.Keys(cfg.Tracks)) {
		t := cfg.Tracks[name]
		for _, stage := range t.Stages {
			i := slices.IndexFunc(all, func(s web.Site) bool { return s.Environment == stage.Environment })
			if i < 0 {
				i, all = len(all), append(all, web.Site{Environment: stage.Environment})
			}
			for _, pkg := range t.Packages {
				if !slices.Contains(all[i].Packages, pkg) {
					all[i].Packages = append(all[i].Packages, pkg)
				}
			}
		}
	}
	return all
}
