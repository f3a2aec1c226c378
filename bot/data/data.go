// Package data reaches what belongs to data versions outside of git: the objects of
// data packages in S3, the SSM parameters that hold the version of an environment, and
// the secrets that the configuration names by reference.
//
// A version of a data package is what lies below one prefix of a bucket. Its manifest
// there names the objects and is published last:
//
//	{"package": "mda", "version": "2026.11.0", "objects": [
//	  {"key": "offers/de.csv", "size": 123, "sha256": "9f86d0…"}
//	]}
//
// Keys are relative to the prefix and stay below it, each is named once, and each has
// a size and a SHA-256 in hexadecimal digits: without them nobody could say whether an
// object is whole. The version is optional and has to be the one of the prefix. Other
// fields are the publisher's own. A version without a manifest is complete by a rule
// for the list of its objects.
//
// What speaks against a version is a Problem of bot.Progress, with where it is and how
// to mend it. What kept us from looking is an error; it wraps gitops.ErrRefused where
// it stays until a person mends it, as a bucket that does not exist. A right that is
// missing is not of those: it may be granted while we ask again.
//
// A copy needs, as the role of the bucket that is copied into: s3:ListBucket there,
// s3:GetObject and s3:PutObject on its objects, s3:GetObject on those of the bucket
// that is copied from; objects in parts take s3:ListBucketMultipartUploads and
// s3:ListMultipartUploadParts too. Tags are left behind. Parts of a copy that nobody goes on with stay in the
// bucket until a lifecycle rule ends them.
//
// The package looks before it writes, and it never overwrites a value or an object
// that it has not been shown. It deletes nothing.
package data
