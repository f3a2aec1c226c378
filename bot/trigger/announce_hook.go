package trigger

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"lockstep/bot"
)

// lookWithin is how long a hook may take to look things up: GitLab waits ten seconds.
const lookWithin = 7 * time.Second

// sources returns the sources that a hook may speak of.
func (g *GitLab) sources(e event) []bot.Source {
	origin, ok := announcing[e.Kind]
	if !ok || e.Project.Path == "" {
		return nil
	}
	return slices.DeleteFunc(g.Catalog.Sources(), func(s bot.Source) bool {
		return s.Origin != origin || s.Project != e.Project.Path
	})
}

// announce stores what a hook announces to sources.
func (g *GitLab) announce(ctx context.Context, w http.ResponseWriter, e event, body []byte, delivery string, sources []bot.Source) {
	if len(sources) > 0 && e.Kind != "tag_push" {
		if _, err := g.hint(ctx, e, delivery); err != nil {
			g.Log.Error("find runs to wake", "delivery", delivery, "error", err) // they will look for themselves
		}
	}
	a, why, err := announces(e, body, g.Now())
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	case why == "" && len(sources) == 0:
		why = fmt.Sprintf("%.200q is no data project of the configuration: ignored", e.Project.Path)
	}
	var requests []bot.Request
	if why == "" {
		requests, why = g.requests(ctx, a, sources)
	}
	if len(requests) > 0 {
		g.accept(ctx, w, requests, delivery)
		return
	}
	level := slog.LevelInfo
	if e.Kind == "pipeline" || e.Kind == "push" { // most of them are of something else
		level = slog.LevelDebug
	}
	g.Log.Log(ctx, level, "a hook starts nothing", "kind", e.Kind, "delivery", delivery, "reason", why)
	reply(w, http.StatusOK, said{Sentence: why})
}

// accept stores the requests of a hook and answers it.
func (g *GitLab) accept(ctx context.Context, w http.ResponseWriter, requests []bot.Request, delivery string) {
	answers, err := g.Store.AcceptAll(ctx, delivery, requests, g.Now())
	if err != nil {
		g.Log.Error("store webhook", "delivery", delivery, "error", err)
		refuse(w, http.StatusInternalServerError, "the request could not be stored: polling will find what it announces")
		return
	}
	for _, answer := range answers {
		if answer.Refused {
			g.Log.Warn("an announcement is refused", "delivery", delivery, "reason", answer.Sentence)
		}
	}
	g.Wake()
	reply(w, http.StatusAccepted, map[string][]bot.Answer{"answers": answers})
}

// requests returns what a hook asks for at all sources, or the sentence that says why
// nothing. What nobody can tell now is left to polling.
func (g *GitLab) requests(ctx context.Context, a announcement, sources []bot.Source) (requests []bot.Request, sentence string) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	var reasons []string
	for _, s := range sources {
		found, why, err := g.asks(ctx, s, a)
		switch {
		case err != nil:
			g.Log.Warn("look up what a hook announces", "package", s.Package, "project", s.Project, "error", err)
			reasons = append(reasons, "nobody could tell now whether it announces a version: polling will find it")
		case why != "":
			reasons = append(reasons, why)
		}
		requests = append(requests, found...)
	}
	return requests, fmt.Sprintf("%s of %s starts nothing: %s", a, sources[0].Project, strings.Join(reasons, "; "))
}

// asks returns what a hook asks for at one source, or why nothing.
func (g *GitLab) asks(ctx context.Context, s bot.Source, a announcement) (requests []bot.Request, why string, err error) {
	d := desk{g.Forge, g.Catalog}
	requests, why, err = d.requests(ctx, s, a)
	if len(requests) == 0 {
		return nil, why, err
	}
	unfit, why, err := d.protection(ctx, s, a)
	if why != "" || err != nil {
		return nil, why, err
	}
	for i := range requests {
		requests[i].Announced, requests[i].Unfit = true, unfit
	}
	return requests, "", nil
}
