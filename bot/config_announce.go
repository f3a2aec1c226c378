package bot

import "time"

// A TagsConfig says how the tags of a data project announce versions. Tags that are
// there when Lockstep looks for the first time start nothing.
type TagsConfig struct {
	// Project is the path of the data project in GitLab. Required.
	Project string `yaml:"project"`

	// Name is the form of the tags, with `{version}` in it once, such as `v{version}`.
	// Other tags of the project are refused with a sentence. Default `{version}`.
	Name string `yaml:"name"`

	// Protected lets only those tags start runs that GitLab protects (Settings →
	// Repository → Protected tags), which not everybody who may push may make; `false`
	// takes any. A tag that is not protected when it is announced is refused for good.
	// Default `true`.
	Protected bool `yaml:"protected"`

	// Poll is how often the tags are read, in case a hook was lost. Default `1m`.
	Poll time.Duration `yaml:"poll"`
}

// A ReleasesConfig says how the releases of a data project announce versions, each by the
// name of its tag. A release announces when it is made, or when its time comes; a change
// of it announces nothing. Releases that are there when Lockstep looks for the first time
// start nothing.
type ReleasesConfig struct {
	// Project is the path of the data project in GitLab. Required.
	Project string `yaml:"project"`

	// Name is the form of the tags of releases, with `{version}` in it once. Default
	// `{version}`.
	Name string `yaml:"name"`

	// Protected lets only releases of protected tags start runs; `false` takes any.
	// Default `true`.
	Protected bool `yaml:"protected"`

	// Poll is how often the releases are read, in case a hook was lost. Default `1m`.
	Poll time.Duration `yaml:"poll"`
}

// A PipelinesConfig says how the successful pipelines of a data project announce versions:
// those of tags by the name of the tag, or those of one branch by a file of their commit.
// Pipelines of merge requests and child pipelines announce nothing, nor do those that had
// succeeded when Lockstep looks for the first time.
type PipelinesConfig struct {
	// Project is the path of the data project in GitLab. Required.
	Project string `yaml:"project"`

	// Name is the form of the tags, with `{version}` in it once. Default `{version}`,
	// unless `branch` is given.
	Name string `yaml:"name"`

	// Protected lets only pipelines of protected tags start runs; `false` takes any. It
	// says nothing about a branch. Default `true`.
	Protected bool `yaml:"protected"`

	// Branch is the branch whose pipelines announce versions, instead of those of tags.
	// Default: none, those of tags do.
	Branch string `yaml:"branch"`

	// File is the file that holds the version, at the commit of the pipeline. Required
	// with `branch`.
	File string `yaml:"file"`

	// Key is where the version stands in the file, as for a service. Default: the whole
	// file is the version.
	Key string `yaml:"key"`

	// Poll is how often the pipelines are read, in case a hook was lost. Of several of a
	// branch the newest is found. Default `1m`.
	Poll time.Duration `yaml:"poll"`
}

// A PushesConfig says which file announces versions when it is pushed with another
// version. The one that it holds when Lockstep looks for the first time starts nothing,
// nor does a version that was announced before.
type PushesConfig struct {
	// Project is the path of the data project in GitLab. Required.
	Project string `yaml:"project"`

	// Branch is the branch that is pushed to. Default `main`.
	Branch string `yaml:"branch"`

	// File is the file that holds the version. Required.
	File string `yaml:"file"`

	// Key is where the version stands in the file, as for a service. Default: the whole
	// file is the version.
	Key string `yaml:"key"`

	// Poll is how often the file is read, in case a hook was lost. Of several versions
	// the newest is found. Default `1m`.
	Poll time.Duration `yaml:"poll"`
}

// An AnnounceHookConfig lets any program announce versions by a signed call,
// `POST /hooks/PACKAGE`, whose answer says what became of it; see [announced by a
// program](#announced-by-a-program). Nobody looks for calls that were lost: whoever gets no
// answer sends again.
type AnnounceHookConfig struct {
	// Secret is the key of the signatures: any random text of at least 24 characters.
	// Required.
	Secret Reference `yaml:"secret"`
}

// A BucketListingConfig lets a version be announced by its data alone: when it lies in the
// bucket of `data`, complete as that says. Which checksums its objects have is looked at by
// the run. Versions of which anything is there when Lockstep looks for the first time start
// nothing.
type BucketListingConfig struct {
	// Poll is how often the bucket is listed. Default `1m`.
	Poll time.Duration `yaml:"poll"`
}

// wholeVersion is the form of tags that are nothing but the version.
const wholeVersion = "{version}"

// setDefaults sets the defaults of an announcement by tags.
func (t *TagsConfig) setDefaults() { t.Name, t.Protected, t.Poll = wholeVersion, true, time.Minute }

// setDefaults sets the defaults of an announcement by releases.
func (r *ReleasesConfig) setDefaults() { r.Name, r.Protected, r.Poll = wholeVersion, true, time.Minute }

// setDefaults sets the defaults of an announcement by pipelines.
func (p *PipelinesConfig) setDefaults() {
	p.Name, p.Protected, p.Poll = wholeVersion, true, time.Minute
}

// setDefaults sets the defaults of an announcement by pushes.
func (p *PushesConfig) setDefaults() { p.Branch, p.Poll = "main", time.Minute }

// setDefaults sets the defaults of an announcement by a listing.
func (l *BucketListingConfig) setDefaults() { l.Poll = time.Minute }
