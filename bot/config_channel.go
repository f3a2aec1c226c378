package bot

// A ChannelConfig is one way to tell people.
type ChannelConfig struct {
	// RocketChat is a room of Rocket.Chat. Required.
	RocketChat *RocketChatConfig `yaml:"rocketchat"`
}

// A RocketChatConfig is a room of Rocket.Chat, reached by its REST API (URL, User,
// Token and Room: each message exactly once, one thread per run) or by an incoming
// hook (Hook alone: after a cut a message may come twice).
type RocketChatConfig struct {
	// URL is the address of Rocket.Chat; https unless it is loopback.
	URL string `yaml:"url"`

	// User is the user id that belongs to Token (X-User-Id).
	User Reference `yaml:"user"`

	// Token is a personal access token (X-Auth-Token).
	Token Reference `yaml:"token"`

	// Room is the name of the room, without #. The user must be a member.
	Room string `yaml:"room"`

	// Hook is the whole URL of an incoming hook.
	Hook Reference `yaml:"hook"`
}
