package bot

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// bucketName is what S3 takes as the name of a general purpose bucket, together with
// reserved. Source: Amazon S3 user guide, "General purpose bucket naming rules".
var bucketName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]|\.[a-z0-9-])+[a-z0-9]$`)

// isBucket reports that name can be the name of a bucket.
func isBucket(name string) bool {
	_, err := netip.ParseAddr(name)
	reserved := err == nil || strings.HasPrefix(name, "xn--") || strings.HasPrefix(name, "sthree-")
	return bucketName.MatchString(name) && len(name) >= 3 && len(name) <= 63 && !reserved
}

func (c *Config) validateBuckets(k *configCheck) {
	names := sortedKeys(c.Buckets)
	for i, name := range names {
		field, b := "buckets."+name, c.Buckets[name]
		k.name(field, name)
		b.validate(k, field)
		for _, first := range names[:i] {
			if b.overlaps(c.Buckets[first]) {
				k.fail(field, "its versions would lie among those of bucket %q: give each its own name or prefix", shortened(first))
			}
		}
		if in := c.packagesIn(name); len(in) > 1 && !strings.Contains(b.Prefix, "{package}") {
			k.fail(field+".prefix", "packages %s would share the place of a version: write {package} in it", strings.Join(in, " and "))
		}
	}
}

// overlaps reports that the objects of a version in one bucket lie below the prefix of
// the other.
func (b *BucketConfig) overlaps(o *BucketConfig) bool {
	return b.Name != "" && b.Name == o.Name && b.Endpoint == o.Endpoint &&
		(strings.HasPrefix(b.Prefix, o.Prefix) || strings.HasPrefix(o.Prefix, b.Prefix))
}

// packagesIn returns the packages that are published in a bucket, or copied into it, in
// order.
func (c *Config) packagesIn(bucket string) []string {
	in := map[string]bool{}
	for name, p := range c.Packages {
		if p.Data != nil && p.Data.Bucket == bucket {
			in[name] = true
		}
	}
	for _, e := range c.Environments {
		for _, p := range e.packages() {
			if e.Bucket == bucket && c.Packages[p] != nil {
				in[p] = true
			}
		}
	}
	return sortedKeys(in)
}

// objectKey is a key made of characters that S3 calls safe, and some that need care in
// addresses alone. Source: Amazon S3 user guide, "Naming Amazon S3 objects".
var objectKey = regexp.MustCompile(`^[A-Za-z0-9!_.*'()&$@=;:+,-]+(/[A-Za-z0-9!_.*'()&$@=;:+,-]+)*$`)

// isObject reports that key can be the key of an object, or a part of one.
func isObject(key string) bool {
	dots := slices.ContainsFunc(strings.Split(key, "/"), func(part string) bool { return part == "." || part == ".." })
	return objectKey.MatchString(key) && !dots && len(key) <= 500
}

// object checks the key of an object below the prefix of a version.
func (k *configCheck) object(field, key string) {
	if !isObject(key) {
		k.fail(field, "%q is no key of an object: write it as it is below the prefix, without spaces, .. or a leading /", shortened(key))
	}
}

func (b *BucketConfig) validate(k *configCheck, field string) {
	if k.given(field+".name", b.Name, "the bucket's own name, such as mda-preview") && !isBucket(b.Name) {
		k.fail(field+".name", "%q is no bucket: write 3 to 63 small letters, digits, dots and dashes, as S3 takes them", shortened(b.Name))
	}
	if k.placeholders(field+".prefix", b.Prefix, "package", "version") {
		parts, ends := strings.CutSuffix(placeholderPattern.ReplaceAllString(b.Prefix, "x"), "/")
		switch {
		case strings.Count(b.Prefix, "{version}") != 1 || !ends:
			k.fail(field+".prefix", "%q does not keep versions apart: write {version} in it once, and / at its end", shortened(b.Prefix))
		case !isObject(parts):
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
		k.object(field+".manifest", d.Manifest)
		return
	}
	if k.stands(field + ".manifest") {
		k.fail(field+".listing", "manifest is given too: keep one of them")
	}
	for i, key := range d.Listing.Keys {
		k.object(item(field+".listing.keys", i), key)
		if slices.Contains(d.Listing.Keys[:i], key) {
			k.fail(item(field+".listing.keys", i), "%q is there twice: remove one", shortened(key))
		}
	}
	if d.Listing.Objects < 1 {
		k.fail(field+".listing.objects", "%d is no number of objects: write 1 or more", d.Listing.Objects)
	}
}
