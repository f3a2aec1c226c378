package trigger

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
)

// An event is what Lockstep reads of a webhook: fields that all kinds share, and those
// of a tag push. Source: GitLab's webhook events, and the payloads of its own clients.
type event struct {
	Kind    string `json:"object_kind"`
	Ref     string `json:"ref"`
	After   string `json:"after"`
	Commit  string `json:"checkout_sha"` // the commit, also for an annotated tag; empty when it was removed
	User    string `json:"user_username"`
	UserID  number `json:"user_id"`
	Project struct {
		Path string `json:"path_with_namespace"`
		URL  string `json:"web_url"`
	} `json:"project"`
}

// A number is one of a webhook that is wanted where it is there; what is none is 0.
type number int64

// UnmarshalJSON reads a whole number.
func (n *number) UnmarshalJSON(text []byte) error {
	whole, _ := strconv.ParseInt(string(text), 10, 64)
	*n = number(whole)
	return nil
}

var (
	commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	userName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,255}$`)
	webURL   = regexp.MustCompile(`^https?://[^\s<>"'()\[\]\\|]{1,1000}$`)
)

// parseEvent reads the body of a webhook. What is not as GitLab sends it is left empty
// or refused here, so that nothing odd comes further.
func parseEvent(body []byte) (event, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return event{}, errors.New("the body is not the JSON of a GitLab webhook")
	}
	if e.Kind == "" {
		return event{}, errors.New("the body names no object_kind: it is no webhook of GitLab")
	}
	if e.Commit != "" && !commitID.MatchString(e.Commit) {
		return event{}, errors.New("checkout_sha is not the id of a commit")
	}
	if !userName.MatchString(e.User) {
		e.User = ""
	}
	if !webURL.MatchString(e.Project.URL) {
		e.Project.URL = ""
	}
	return e, nil
}
