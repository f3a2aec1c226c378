package bot

// A BucketConfig is an S3 bucket, or a part of one, that holds data packages for one
// purpose. Two of them never lie in each other.
type BucketConfig struct {
	// Name is the bucket's own name. Required.
	Name string `yaml:"name"`

	// Prefix is where the objects of a version are, with the placeholders `{package}`
	// and `{version}`; it ends in `/`. `{package}` must occur when several packages lie
	// here. Default `{package}/{version}/`.
	Prefix string `yaml:"prefix"`

	// Region is the AWS region. Default: the process's own (`AWS_REGION`).
	Region string `yaml:"region"`

	// RoleARN is the role to assume before each call. The role of a bucket that is
	// copied into must also be allowed to read the bucket that is copied from. Default:
	// none, the process's own identity is used.
	RoleARN string `yaml:"role_arn"`

	// ExternalID is the external id for `role_arn`. Default: none.
	ExternalID string `yaml:"external_id"`

	// Endpoint is the address to call instead of AWS's own, of another S3 or a mirror. A
	// role is assumed there too, unless the variable AWS_ENDPOINT_URL_STS says where.
	// Default: AWS's own.
	Endpoint string `yaml:"endpoint"`
}

// A DataConfig says where the versions of a package are published, and what makes one
// complete. No run starts with a version that is not.
type DataConfig struct {
	// Bucket is the bucket in which the data team publishes, by its name in `buckets`.
	// Required.
	Bucket string `yaml:"bucket"`

	// Manifest is the key, below the prefix, of the list of objects with their sizes
	// and checksums. Default `manifest.json`, unless `listing` is given.
	Manifest string `yaml:"manifest"`

	// Listing says what has to be there of a version without a manifest. Default: none,
	// versions have a manifest.
	Listing *ListingConfig `yaml:"listing"`
}

// A ListingConfig says what makes a version without a manifest complete.
type ListingConfig struct {
	// Keys are objects that have to be there, below the prefix, such as `_SUCCESS`.
	// Default: none.
	Keys []string `yaml:"keys"`

	// Objects is how many objects have to be there at least. Default `1`.
	Objects int `yaml:"objects"`
}

// setDefaults sets the defaults of a bucket.
func (b *BucketConfig) setDefaults() { b.Prefix = "{package}/{version}/" }

// setDefaults sets the defaults of a package's data.
func (d *DataConfig) setDefaults() { d.Manifest = "manifest.json" }

// setDefaults sets the defaults of a listing.
func (l *ListingConfig) setDefaults() { l.Objects = 1 }
