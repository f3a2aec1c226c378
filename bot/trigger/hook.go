package trigger

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lockstep/bot"
)

// The limits of a hook.
const (
	maxHook   = 1 << 20         // bytes of a body that is looked at
	maxSent   = 32 << 20        // bytes of one that is read to its end; GitLab sends 25 MiB at most
	tolerance = 5 * time.Minute // between the time of a signature and ours
)

// A GitLab is the handler of GitLab's webhooks. Secret and Signing prove that a hook
// comes from GitLab; with neither, everything is taken, which the configuration allows
// on loopback only.
type GitLab struct {
	Catalog Catalog
	Store   Store
	Forge   Forge
	Secret  bot.Secret // of X-Gitlab-Token
	Signing bot.Secret // whsec_…, of webhook-signature

	// Comments takes the hooks of comments; nil: they are like any other.
	Comments *Comments

	// Hint wakes a run; the same delivery wakes it once.
	Hint func(ctx context.Context, run, delivery string) error
	// Wake says that there is a new request.
	Wake func()
	Now  func() time.Time
	Log  *slog.Logger
}

// ServeHTTP takes one hook. Whatever GitLab cannot mend by sending it again is answered
// with 2xx and a sentence, because GitLab switches off hooks that fail.
func (g *GitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "webhooks are sent by POST, not %s", r.Method)
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "a webhook is application/json")
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHook+1))
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "the body ended early")
		return
	case len(body) > maxHook: // whoever may comment can bring that about
		_, _ = io.CopyN(io.Discard, r.Body, maxSent) // before its end GitLab would take the answer for a broken connection
		reply(w, http.StatusOK, said{Sentence: fmt.Sprintf("the body is larger than %d KiB: ignored, what it tells is found by looking", maxHook>>10)})
		return
	}
	if err := g.prove(r.Header, body); err != nil {
		refuse(w, http.StatusUnauthorized, "%v", err)
		return
	}
	e, err := parseEvent(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%v", err)
		return
	}
	if e.Kind == "note" && g.Comments != nil {
		g.Comments.ServeHook(w, body)
		return
	}
	g.take(r.Context(), w, e, body, delivery(r.Header, body))
}

// prove checks that the hook comes from GitLab. A signature that is there must be
// right: nothing falls back to the token then.
func (g *GitLab) prove(h http.Header, body []byte) error {
	if signatures := h.Get("webhook-signature"); signatures != "" && !g.Signing.Empty() {
		return g.verify(h, signatures, body)
	} else if signatures != "" && g.Secret.Empty() {
		return errors.New("the hook is signed, but gitlab.webhook.signing is not configured")
	}
	switch {
	case !g.Secret.Empty():
		if !equal(h.Get("X-Gitlab-Token"), g.Secret.Reveal()) {
			return errors.New("X-Gitlab-Token is not the secret of gitlab.webhook.secret: set it in the hook's settings")
		}
	case !g.Signing.Empty():
		return errors.New("the hook is not signed: set the signing token of gitlab.webhook.signing in the hook's settings")
	}
	return nil
}

// verify checks the signatures of a hook: HMAC-SHA256 over id.timestamp.body, any one
// of a list.
func (g *GitLab) verify(h http.Header, signatures string, body []byte) error {
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return errors.New("the signature has no webhook-id or no webhook-timestamp")
	}
	if age := g.Now().Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("the signature is from another time (%s away): check the clocks", age.Abs().Round(time.Second))
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(g.Signing.Reveal(), "whsec_"))
	if err != nil {
		return errors.New("the signing token of gitlab.webhook.signing is not whsec_ and base64")
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for signature := range strings.FieldsSeq(signatures) {
		if equal(signature, want) {
			return nil
		}
	}
	return errors.New("the signature does not fit the body: set the signing token of gitlab.webhook.signing in the hook's settings")
}

// equal compares secrets in a time that says nothing about them.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// delivery returns the id of a delivery, which is the same when it is sent again.
func delivery(h http.Header, body []byte) string {
	for _, name := range []string{"Idempotency-Key", "webhook-id"} {
		if id := h.Get(name); id != "" && len(id) <= 200 {
			return "hook " + id
		}
	}
	sum := sha256.Sum256(body)
	return "body " + hex.EncodeToString(sum[:])
}

// take stores what a hook announces, and wakes the runs that it may be news for.
func (g *GitLab) take(ctx context.Context, w http.ResponseWriter, e event, body []byte, delivery string) {
	sources := g.sources(e)
	if e.Kind == "tag_push" || len(sources) > 0 {
		g.announce(ctx, w, e, body, delivery, sources)
		return
	}
	g.wake(ctx, w, e, delivery)
}

// wake hints at every active run that works on the hook's project, and says so.
func (g *GitLab) wake(ctx context.Context, w http.ResponseWriter, e event, delivery string) {
	woken, err := g.hint(ctx, e, delivery)
	if err != nil {
		g.Log.Error("find runs to wake", "delivery", delivery, "error", err)
		refuse(w, http.StatusInternalServerError, "the runs could not be read: they will look for themselves")
		return
	}
	reply(w, http.StatusOK, said{Sentence: fmt.Sprintf("woke %d runs", woken)})
}

// hint hints at every active run that works on the hook's project.
func (g *GitLab) hint(ctx context.Context, e event, delivery string) (woken int, err error) {
	runs, err := g.Store.Active(ctx)
	if err != nil {
		return 0, err
	}
	for i := range runs {
		if !concerns(&runs[i], e.Project.Path) {
			continue
		}
		if err := g.Hint(ctx, runs[i].ID, delivery); err != nil {
			g.Log.Warn("wake run", "run", runs[i].ID, "error", err)
			continue
		}
		woken++
	}
	return woken, nil
}

// concerns reports that a run works on a project: as an environment repository, or as
// the project of a gate.
func concerns(r *bot.Run, project string) bool {
	for _, s := range r.Stages {
		if s.Plan.Repo == project {
			return true
		}
		for _, g := range s.Plan.Gates {
			if g.Pipeline != nil && g.Pipeline.Project == project {
				return true
			}
		}
	}
	return false
}
