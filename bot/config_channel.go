package bot

// A ChannelConfig is one way to tell people.
type ChannelConfig struct {
	// RocketChat is a room of Rocket.Chat. Required.
	RocketChat *RocketChatConfig `yaml:"rocketchat"`
}

// A RocketChatConfig is a room of Rocket.Chat. With `url`, `user`, `token` and `room` it
// is reached by the REST API: each message comes exactly once, and each run has its
// thread. With `hook` alone it is reached by an incoming hook: after a cut a message
// may come twice, and the repeat says so.
type RocketChatConfig struct {
	// URL is the address of Rocket.Chat; https unless it is loopback. Required without
	// `hook`.
	URL string `yaml:"url"`

	// User is the user id that belongs to the token (`X-User-Id`). Required without
	// `hook`.
	User Reference `yaml:"user"`

	// Token is a personal access token (`X-Auth-Token`). Required without `hook`.
	Token Reference `yaml:"token"`

	// Room is the name of the room, without `#`. The user must be a member. Required
	// without `hook`.
	Room string `yaml:"room"`

	// Hook is the whole URL of an incoming hook. Default: none.
	Hook Reference `yaml:"hook"`
}
