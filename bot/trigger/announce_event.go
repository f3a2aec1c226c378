package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// announcing are the kinds of hooks that may announce versions.
var announcing = map[string]bot.Origin{
	"tag_push": bot.OriginTag, "push": bot.OriginPush, "release": bot.OriginRelease, "pipeline": bot.OriginPipeline,
}

// refName is the name of a branch or a tag, as git takes it.
var refName = regexp.MustCompile(`^[^\x00-\x20\x7f~^:?*\[\\]{1,255}$`)

// hookTime is how GitLab writes times into hooks.
const hookTime = "2006-01-02 15:04:05 MST"

// announces returns what a hook announces, or why it announces nothing. The error says that
// it is no hook as GitLab sends it.
func announces(e event, body []byte, now time.Time) (a announcement, why string, err error) {
	switch e.Kind {
	case "release":
		a, why, err = releaseOf(body, now)
	case "pipeline":
		a, why, err = pipelineOf(body)
	default:
		a, why = pushOf(e)
	}
	name := a.tag + a.branch
	switch {
	case why != "" || err != nil:
		return announcement{}, why, err
	case e.Project.Path == "":
		return announcement{}, "the hook names no project: ignored", nil
	case !refName.MatchString(name):
		return announcement{}, "the hook names a branch or a tag as no git takes it, which starts nothing: ignored", nil
	case !commitID.MatchString(a.commit):
		return announcement{}, "", errors.New("the hook names no commit")
	}
	if !userName.MatchString(a.by) {
		a.by, a.byID = "", 0
	}
	a.link = linkOf(e, a)
	return a, "", nil
}

// linkOf returns where people see an announcement; "" where the hook does not say.
func linkOf(e event, a announcement) string {
	switch {
	case e.Project.URL == "":
		return ""
	case webURL.MatchString(a.link) && strings.HasPrefix(a.link, e.Project.URL+"/"):
		return a.link
	case a.tag != "":
		return e.Project.URL + "/-/tags/" + url.PathEscape(a.tag)
	}
	return e.Project.URL + "/-/commit/" + a.commit
}

// pushOf reads the push of a tag or a branch.
func pushOf(e event) (a announcement, why string) {
	a = announcement{commit: e.Commit, by: e.User, byID: int64(e.UserID)}
	what, ok := "a tag", false
	if e.Kind == "tag_push" {
		a.tag, ok = strings.CutPrefix(e.Ref, "refs/tags/")
	} else {
		what = "a branch"
		a.branch, ok = strings.CutPrefix(e.Ref, "refs/heads/")
	}
	switch {
	case !ok:
		return a, fmt.Sprintf("the hook names no %s: ignored", strings.TrimPrefix(what, "a "))
	case e.Commit == "" || strings.Trim(e.After, "0") == "":
		return a, what + " was removed, which starts nothing"
	}
	return a, ""
}

// releaseOf reads a release.
func releaseOf(body []byte, now time.Time) (a announcement, why string, err error) {
	var r struct {
		Tag    string `json:"tag"`
		Action string `json:"action"`
		When   string `json:"released_at"`
		URL    string `json:"url"`
		Commit *struct {
			ID string `json:"id"`
		} `json:"commit"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return a, "", errors.New("the body is not that of a release of GitLab")
	}
	when, bad := time.Parse(hookTime, r.When)
	switch {
	case r.Action != "create":
		return a, "a release was changed or removed, which starts nothing", nil
	case bad == nil && when.After(now.Add(tolerance)):
		return a, "the time of the release has not come: polling will find it then", nil
	case r.Commit == nil:
		return a, "the release has no commit: it starts nothing", nil
	}
	return announcement{tag: r.Tag, commit: r.Commit.ID, link: r.URL}, "", nil
}

// pipelineOf reads a pipeline.
func pipelineOf(body []byte) (a announcement, why string, err error) {
	var p struct {
		Attributes struct {
			Ref    string        `json:"ref"`
			Tag    bool          `json:"tag"`
			SHA    string        `json:"sha"`
			Source string        `json:"source"`
			Status gitops.Status `json:"status"`
			URL    string        `json:"url"`
		} `json:"object_attributes"`
		MergeRequest *struct{} `json:"merge_request"`
		User         struct {
			ID   number `json:"id"`
			Name string `json:"username"`
		} `json:"user"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return a, "", errors.New("the body is not that of a pipeline of GitLab")
	}
	at := p.Attributes
	switch {
	case p.MergeRequest != nil || !counts(at.Source):
		return a, "pipelines of merge requests, of other pipelines and of other systems start nothing", nil
	case at.Status != gitops.StatusSuccess:
		return a, "the pipeline has not succeeded: it starts nothing", nil
	}
	a = announcement{branch: at.Ref, commit: at.SHA, by: p.User.Name, byID: int64(p.User.ID), link: at.URL}
	if at.Tag {
		a.tag, a.branch = at.Ref, ""
	}
	return a, "", nil
}

// counts reports that a pipeline of a source says something about its branch or tag. One of
// another system may be nothing but a status that we set ourselves.
func counts(source string) bool {
	switch source {
	case gitops.SourceMergeReq, gitops.SourceChild, "external", "external_pull_request_event":
		return false
	}
	return true
}
