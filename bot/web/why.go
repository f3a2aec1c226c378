package web

import (
	"context"
	"net/http"
	"slices"

	"lockstep/bot"
)

// A Historian knows from the log of events which versions services run, and why.
type Historian interface {
	// Why says which version a service runs at a time, and why; zero is now.
	Why(ctx context.Context, s bot.Spot) (bot.Why, error)
	// WhyWaits says for what exactly a run waits; bot.ErrNotFound without it.
	WhyWaits(ctx context.Context, run string) (string, error)
}

// A Site is an environment with the data packages that are deployed there.
type Site struct {
	Environment string
	Packages    []string
}

// A WhyList is the answer of GET /api/v1/why.
type WhyList struct {
	Whys []bot.Why `json:"whys"` // by environment, in the order of the configuration
}

// A RunWhy is the answer of GET /api/v1/runs/{id}/why.
type RunWhy struct {
	Run      string    `json:"run"`
	State    bot.State `json:"state"`
	Result   string    `json:"result"` // how it ended or stands, in words
	Asked    string    `json:"asked"`  // who or what asked for it
	Sentence string    `json:"sentence"`
	Commands []string  `json:"commands,omitempty"` // what a person may type where the run waits for one
}

// maxName is how long a name in a question may be.
const maxName = 200

// why answers GET /api/v1/why?service=&environment=&package=&at=.
func (s *Server) why(r *http.Request) (any, error) {
	spot, err := s.spot(r)
	if err != nil {
		return nil, err
	}
	list := WhyList{Whys: []bot.Why{}}
	for _, site := range s.sites(spot) {
		spot.Environment = site.Environment
		whys, err := s.whysAt(r.Context(), spot, site.Packages)
		if err != nil {
			return nil, err
		}
		list.Whys = append(list.Whys, whys...)
	}
	return list, nil
}

// spot reads which service is meant, and when.
func (s *Server) spot(r *http.Request) (bot.Spot, error) {
	query := r.URL.Query()
	for name, values := range query {
		switch {
		case !slices.Contains([]string{"service", "environment", "package", "at"}, name):
			return bot.Spot{}, failed(http.StatusBadRequest, "unknown parameter %.100q: a service is named by service, environment, package and at", name)
		case len(values) > 1:
			return bot.Spot{}, failed(http.StatusBadRequest, "%s is given %d times: write it once", name, len(values))
		case len(values[0]) > maxName || !oneLine.MatchString(values[0]):
			return bot.Spot{}, failed(http.StatusBadRequest, "%s must be one line of at most %d bytes", name, maxName)
		}
	}
	spot := bot.Spot{Service: query.Get("service"), Environment: query.Get("environment"), Package: query.Get("package")}
	if spot.Service == "" {
		return bot.Spot{}, failed(http.StatusBadRequest, "service is missing: name the service whose version you want to know the reason of")
	}
	at, err := s.timePast("at", query.Get("at"))
	if err == nil && at.After(s.Now()) {
		err = failed(http.StatusBadRequest, "at is to come: write a time that is past, or leave it out for now")
	}
	spot.At = at
	return spot, err
}

// sites returns where a service may have been deployed: in the environment that is named,
// else in all of the configuration, with the packages that may have been.
func (s *Server) sites(spot bot.Spot) []Site {
	sites := slices.Clone(s.Sites)
	if spot.Environment != "" {
		sites = slices.DeleteFunc(sites, func(site Site) bool { return site.Environment != spot.Environment })
	}
	if len(sites) == 0 { // it is not in the configuration any more
		sites = []Site{{spot.Environment, s.allPackages()}}
	}
	if spot.Package != "" {
		for i := range sites {
			sites[i].Packages = []string{spot.Package}
		}
	}
	return sites
}

// allPackages returns every package of the configuration, in order.
func (s *Server) allPackages() []string {
	var all []string
	for _, packages := range s.Tracks {
		all = append(all, packages...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// whysAt explains each package that was deployed to a service; where none was, it returns
// one answer that says so.
func (s *Server) whysAt(ctx context.Context, spot bot.Spot, packages []string) ([]bot.Why, error) {
	var known, never []bot.Why
	for _, pkg := range packages {
		spot.Package = pkg
		w, err := s.History.Why(ctx, spot)
		switch {
		case err != nil:
			return nil, err
		case w.Known():
			known = append(known, w)
		case w.Doubt != "" || w.Later != nil: // it says more than that there is nothing
			never = append([]bot.Why{w}, never...)
		default:
			never = append(never, w)
		}
	}
	if len(known) == 0 {
		return never[:min(len(never), 1)], nil
	}
	return known, nil
}

// runWhy answers GET /api/v1/runs/{id}/why.
func (s *Server) runWhy(r *http.Request) (any, error) {
	run, err := s.Store.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	sentence, err := s.History.WhyWaits(r.Context(), run.ID)
	if err != nil {
		return nil, err
	}
	commands, err := s.commands(r.Context(), run)
	if err != nil {
		return nil, err
	}
	return RunWhy{run.ID, run.State, run.Result(), run.Asked(), sentence, commands}, nil
}
