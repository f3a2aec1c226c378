package web

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"lockstep/bot"
)

// clockSkew is how far the clocks of GitLab and of this machine may differ.
const clockSkew = 30 * time.Second

// Jobs knows jobs of GitLab CI by the ID tokens that GitLab signs for them.
type Jobs struct {
	Issuer   string         // GitLab's address: it signs the tokens
	Audience string         // our own address: the tokens are for us
	Entries  []bot.CIConfig // which jobs may do what; the first that fits counts
	Client   *http.Client   // by which GitLab's keys are read
	Now      func() time.Time

	keys keyring
}

// NewJobs returns the jobs of a configuration; nil where none may use the API.
func NewJobs(c *bot.Config, now func() time.Time) *Jobs {
	if len(c.Server.CI) == 0 {
		return nil
	}
	return &Jobs{
		Issuer: c.GitLab.URL, Audience: c.Server.URL, Entries: c.Server.CI,
		Client: &http.Client{Timeout: 10 * time.Second}, Now: now,
	}
}

// jobClaims is what GitLab says of a job. It writes numbers and truths as texts; a number
// that is one is taken as well.
type jobClaims struct {
	jwt.Claims
	Job       string `json:"job_id"`
	Project   string `json:"project_path"`
	ProjectID any    `json:"project_id"`
	Ref       string `json:"ref"`
	RefType   string `json:"ref_type"`
	Protected string `json:"ref_protected"`
	User      string `json:"user_login"`
	UserID    any    `json:"user_id"`
}

// identify returns the job for which GitLab has signed token. What is wrong with a token
// that GitLab has signed is told; of another nothing is.
func (j *Jobs) identify(ctx context.Context, token string) (caller, error) {
	var claims jobClaims
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(parsed.Headers) != 1 {
		return caller{}, errNoToken
	}
	key, err := j.keys.key(ctx, j, parsed.Headers[0].KeyID)
	switch {
	case err != nil:
		return caller{}, failed(http.StatusServiceUnavailable, "nobody can tell whether GitLab has made this ID token: %v; try again", err)
	case key == nil || parsed.Claims(key, &claims) != nil:
		return caller{}, errNoToken
	}
	if err := j.check(claims); err != nil {
		return caller{}, err
	}
	return j.admit(claims)
}

// check returns why a token that GitLab has signed does not count here and now.
func (j *Jobs) check(claims jobClaims) error {
	now := j.Now()
	switch {
	case claims.Issuer != j.Issuer:
		return failed(http.StatusUnauthorized, "the ID token is from %.200q, not from %s: gitlab.url in the configuration has to be GitLab's external address", claims.Issuer, j.Issuer)
	case !claims.Audience.Contains(j.Audience):
		return failed(http.StatusUnauthorized, "the ID token is for %.200q: write aud: %s below id_tokens of the job", []string(claims.Audience), j.Audience)
	case claims.Expiry == nil || now.Add(-clockSkew).After(claims.Expiry.Time()):
		return failed(http.StatusUnauthorized, "the ID token has expired: it counts as long as its job may run")
	case claims.NotBefore != nil && now.Add(clockSkew).Before(claims.NotBefore.Time()):
		return failed(http.StatusUnauthorized, "the ID token does not count yet: set the clocks of GitLab and Lockstep")
	}
	return nil
}

// admit returns what a job may do.
func (j *Jobs) admit(claims jobClaims) (caller, error) {
	job := bot.CIJob{
		ID: claims.Job, Project: claims.Project, ProjectID: numbered(claims.ProjectID), Ref: claims.Ref, RefType: claims.RefType,
		Protected: claims.Protected == "true", User: claims.User, UserID: numbered(claims.UserID),
	}
	if job.User == "" || !speaker.MatchString(job.User) || bot.Reserved(job.User) || !oneLine.MatchString(job.Ref+job.ID) {
		return caller{}, failed(http.StatusForbidden, "the ID token does not say whose job it is")
	}
	for _, entry := range j.Entries {
		if entry.Fits(job) {
			return caller{
				name: job.User, id: job.UserID, from: fmt.Sprintf("job %s of %s (%s)", job.ID, job.Project, job.Ref),
				link:   fmt.Sprintf("%s/%s/-/jobs/%s", j.Issuer, job.Project, job.ID),
				scopes: entry.Allows(), tracks: entry.Tracks,
			}, nil
		}
	}
	protected := "protected"
	if !job.Protected {
		protected = "not protected"
	}
	return caller{}, failed(http.StatusForbidden, "no entry of server.ci in the configuration is for jobs of %.200s (project %d) on %s %.200s, which is %s", job.Project, job.ProjectID, job.RefType, job.Ref, protected)
}

// numbered returns the number that a claim holds; 0 where it holds none.
func numbered(claim any) int64 {
	switch n := claim.(type) {
	case string:
		number, _ := strconv.ParseInt(n, 10, 64)
		return number
	case float64:
		return int64(n)
	}
	return 0
}

// rsaKey returns the key in k, if it is one that signatures may be checked with.
func rsaKey(k jose.JSONWebKey) *rsa.PublicKey {
	key, ok := k.Key.(*rsa.PublicKey)
	if !ok || !k.Valid() || key.N.BitLen() < 2048 || k.Use != "" && k.Use != "sig" {
		return nil
	}
	return key
}
