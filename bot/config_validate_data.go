package bot

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// bucketName is what S3 takes as the name of a general purpose bucket.
// Source: Amazon S3 user guide, "General purpose bucket naming rules".
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func (c *Config) validateBuckets(k *configCheck) {
	places := map[string]string{} // the bucket at a place
	for _, name := range sortedKeys(c.Buckets) {
		field, b := "buckets."+name, c.Buckets[name]
		k.name(field, name)
		b.validate(k, field)
		place := strings.Join([]string{b.Name, b.Prefix, b.Endpoint}, "\n")
		if first, ok := places[place]; ok && b.Name != "" {
			k.fail(field, "bucket %q has the same name and prefix: give each its own", first)
		}
		places[place] = name
	}
}

func (b *BucketConfig) validate(k *configCheck, field string) {
	if k.given(field+".name", b.Name, "the bucket's own name, such as mda-preview") && (!bucketName.MatchString(b.Name) || strings.Contains(b.Name, "..")) {
		k.fail(field+".name", "%q is no bucket: write 3 to 63 small letters, digits, dots and dashes", shortened(b.Name))
	}
	if k.placeholders(field+".prefix", b.Prefix, "package", "version") {
		plain := placeholderPattern.ReplaceAllString(b.Prefix, "x")
		switch {
		case strings.Count(b.Prefix, "{version}") != 1 || !strings.HasSuffix(b.Prefix, "/"):
			k.fail(field+".prefix", "%q does not keep versions apart: write {version} in it once, and / at its end", shortened(b.Prefix))
		case !fs.ValidPath(strings.TrimSuffix(plain, "/")) || strings.ContainsAny(plain, "\\ {}"):
			k.fail(field+".prefix", "%q is no prefix of keys: write parts that / separates, without spaces, .. or a leading /", shortened(b.Prefix))
		}
	}
	k.account(field, b.Region, b.RoleARN, b.ExternalID, b.Endpoint)
}

func (d *DataConfig) validate(k *configCheck, field string, buckets []string) {
	if k.given(field+".bucket", d.Bucket, "the bucket in which versions are published") {
		k.refers(field+".bucket", "bucket", d.Bucket, buckets)
	}
	if d.Listing == nil {
		k.path(field+".manifest", d.Manifest)
		return
	}
	if k.stands(field + ".manifest") {
		k.fail(field+".listing", "manifest is given too: keep one of them")
	}
	for i, key := range d.Listing.Keys {
		k.path(item(field+".listing.keys", i), key)
		if slices.Contains(d.Listing.Keys[:i], key) {
			k.fail(item(field+".listing.keys", i), "%q is there twice: remove one", shortened(key))
		}
	}
	if d.Listing.Objects < 1 {
		k.fail(field+".listing.objects", "%d is no number of objects: write 1 or more", d.Listing.Objects)
	}
}
