package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// A hook with another secret and a call without a token are in the audit log, once each
// however often they come, and without what they have shown.
func TestAuditOfWhatIsTurnedAway(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for range 3 {
		for _, call := range []struct{ path, header, value string }{
			{"/webhooks/gitlab", "X-Gitlab-Token", "another secret"}, {"/api/v1/freeze", "Authorization", "Bearer lst_guessed"},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.cfg.Server.URL+call.path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(call.header, call.value)
			r.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Body.Close(); answer.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%s: got %s, want 401", call.path, answer.Status)
			}
		}
	}
	var log string
	s.await("the audit log to have them", func() bool {
		var out, refusal bytes.Buffer
		run(t.Context(), []string{"audit", "--since", "1h", "--config", s.Config}, &out, &refusal)
		log = out.String()
		return strings.Count(log, `"times":3`) == 2
	})
	for _, want := range []string{
		`"kind":"refusal","from":"127.0.0.1","what":"POST /webhooks/gitlab","sentence":"401: X-Gitlab-Token is not the secret of gitlab.webhook.secret`,
		`"kind":"refusal","from":"127.0.0.1","what":"POST /api/v1/freeze","sentence":"401: the API token is missing or wrong`,
	} {
		if strings.Count(log, want) != 1 {
			t.Errorf("the log does not have once %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, "another secret") || strings.Contains(log, "guessed") {
		t.Errorf("the log has what was shown:\n%s", log)
	}
}
