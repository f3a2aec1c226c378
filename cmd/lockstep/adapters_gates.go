package main

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"lockstep/bot"
	"lockstep/bot/data"
	"lockstep/bot/store"
	"lockstep/gates"
	"lockstep/gitops/gitlab"
)

// gateMaker serves bot.Gates. Opinions and callback are there once a server is.
type gateMaker struct {
	gitlab   *gitlab.Client
	packages *data.Packages
	tokens   *tokens
	opinions gates.Opinions
	callback func(s gates.Subject) string // where a callback gate is answered
}

func (m *gateMaker) Gate(p bot.GatePlan) (gates.Gate, error) {
	switch {
	case p.Pipeline != nil:
		return gates.Pipeline{From: m.gitlab, Project: p.Pipeline.Project, Ref: p.Pipeline.Ref, Variables: p.Pipeline.Variables}, nil
	case p.HTTP != nil:
		h := p.HTTP
		return gates.HTTP{URL: h.URL, Headers: h.Headers, Token: m.tokens.of(h.Token), Pass: h.Pass, Fail: h.Fail}, nil
	case p.Prometheus != nil:
		q := p.Prometheus
		return gates.Prometheus{
			URL: q.URL, Token: m.tokens.of(q.Token), Query: q.Query, Pass: q.Pass, Fail: q.Fail, For: q.For, NoData: gates.NoData(q.NoData),
		}, nil
	case p.Approval != nil:
		return gates.Approval{From: m.opinions, By: p.Approval.By, Count: p.Approval.Count, NotAuthor: p.Approval.NotAuthor}, nil
	case p.Callback != nil:
		return gates.Callback{From: m.opinions, URL: p.Callback.URL, Token: m.tokens.of(p.Callback.Token), Address: m.callback}, nil
	case p.Soak != nil:
		return m.soak(p.Soak)
	case p.Data != nil:
		return gates.Data{From: inventory{m.packages, p.Data.Set}, Pass: p.Data.Pass}, nil
	}
	return nil, fmt.Errorf("gate %s is of a kind that this version of Lockstep does not know", p.Name)
}

// soak makes a soak with the gates that it watches.
func (m *gateMaker) soak(p *bot.SoakGate) (gates.Gate, error) {
	soak := gates.Soak{For: p.For}
	for _, watched := range p.Watch {
		gate, err := m.Gate(watched)
		if err != nil {
			return nil, err
		}
		soak.Watch = append(soak.Watch, gates.Watched{Name: watched.Name, Gate: gate})
	}
	return soak, nil
}

// inventory serves gates.Inventory with one version's data.
type inventory struct {
	packages *data.Packages
	set      bot.DataSet
}

func (i inventory) Contents(ctx context.Context, _ gates.Subject) (gates.Contents, error) {
	objects, bytes, manifest, err := i.packages.Contents(ctx, i.set)
	return gates.Contents{Objects: objects, Bytes: bytes, Manifest: manifest}, err
}

// answered serves gates.Opinions with what people and programs answered.
type answered struct{ store *store.Store }

func (a answered) Opinions(ctx context.Context, s gates.Subject) ([]gates.Opinion, error) {
	kept, err := a.store.Opinions(ctx, s.Run, s.Environment, s.Gate)
	if err != nil {
		return nil, err
	}
	var opinions []gates.Opinion
	for _, o := range kept {
		opinions = append(opinions, gates.Opinion{By: o.By, ByID: o.ByID, Yes: o.Yes, Reason: o.Reason})
	}
	return opinions, nil
}

// callbackAddress returns where the gate of a subject is answered, on the server at
// base. The signature stands for that gate of that run alone.
func callbackAddress(base string, key bot.Secret, s gates.Subject) string {
	path, _ := url.JoinPath(base, "callbacks", s.Run, s.Environment, s.Gate)
	return path + "?signature=" + gates.Sign(key.Reveal(), s.Key())
}

// tokenKept is for how long a token is used before its reference is resolved again.
const tokenKept = 5 * time.Minute

// tokens resolves references to bearer tokens, and keeps each for a while: a gate asks
// every few seconds.
type tokens struct {
	mu   sync.Mutex
	kept map[string]bearer
}

// A bearer is a secret and when it was read.
type bearer struct {
	secret bot.Secret
	read   time.Time
}

// of returns what reads the token of a reference; nil without one.
func (t *tokens) of(ref string) func(context.Context) (string, error) {
	if ref == "" {
		return nil
	}
	return func(ctx context.Context) (string, error) {
		t.mu.Lock()
		known, ok := t.kept[ref]
		t.mu.Unlock()
		if ok && time.Since(known.read) < tokenKept {
			return known.secret.Reveal(), nil
		}
		secret, err := data.Resolve(ctx, ref)
		if err != nil {
			return "", err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.kept == nil {
			t.kept = map[string]bearer{}
		}
		t.kept[ref] = bearer{secret, now()}
		return secret.Reveal(), nil
	}
}
