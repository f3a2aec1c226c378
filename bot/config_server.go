package bot

import "path"

// A CIConfig lets jobs of GitLab CI use the API with the ID token that GitLab makes for
// them (`id_tokens`, with the value of `server.url` as its `aud`), so that nobody has to
// store a secret. A job speaks in the name of the user whose pipeline it is. Where several
// entries fit a job, the first counts.
type CIConfig struct {
	// Project is the path of the project whose jobs may. Required.
	Project string `yaml:"project"`

	// ProjectID is the number of that project, which its page shows. With it another
	// project does not fit that gets the path later. Default: any.
	ProjectID int `yaml:"project_id"`

	// Ref is the branch or tag that the job has to run for; a `*` stands for any part of its
	// name without a `/`. Default: any.
	Ref string `yaml:"ref"`

	// RefType says what `ref` is: `branch` or `tag`. Default `branch`.
	RefType string `yaml:"ref_type"`

	// Protected wants that branch or tag to be protected, so that only those who may push
	// to it decide what the job does. Default `true`.
	Protected bool `yaml:"protected"`

	// Scopes are what the job may do besides reading: `run` (promote, rollback, retry,
	// cancel, hold, resume) and `freeze` (freeze, thaw); `read` alone for nothing more.
	// Approving and administering are left to people. Default `[run]`.
	Scopes []string `yaml:"scopes"`

	// Tracks are those that the job may change something on. A lane may be frozen and thawed
	// where all of its tracks are among them. Default: all of them.
	Tracks []string `yaml:"tracks"`
}

// setDefaults sets the defaults of an entry.
func (c *CIConfig) setDefaults() {
	c.RefType, c.Protected, c.Scopes = "branch", true, []string{string(MayRun)}
}

// A CIJob is a job of GitLab CI, as the ID token says that GitLab has made for it.
type CIJob struct {
	ID        string
	Project   string
	ProjectID int64 // 0: not known
	Ref       string
	RefType   string
	Protected bool
	User      string // the name of the user whose pipeline it is
	UserID    int64  // of their account; 0: not known
}

// Fits reports that the entry is for that job.
func (c CIConfig) Fits(j CIJob) bool {
	named := c.Ref == ""
	if !named {
		named, _ = path.Match(c.Ref, j.Ref)
	}
	same := c.Project == j.Project && (c.ProjectID == 0 || int64(c.ProjectID) == j.ProjectID)
	return named && same && c.RefType == j.RefType && (j.Protected || !c.Protected)
}

// Allows returns the scopes of the jobs that the entry is for.
func (c CIConfig) Allows() []TokenScope {
	scopes := []TokenScope{MayRead}
	for _, s := range c.Scopes {
		scopes = append(scopes, TokenScope(s))
	}
	return scopes
}
