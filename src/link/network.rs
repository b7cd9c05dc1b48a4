//! By what a device reaches the network.

/// By what a device reaches the network, as `onNetworkModeChanged` tells it (spec: R63).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkMode {
    /// By nothing.
    Offline,
    /// It does not know.
    Unknown,
    /// By cable.
    Ethernet,
    /// By Wi-Fi.
    WiFi,
    /// By a mobile network of the second generation.
    Mode2G,
    /// Of the third.
    Mode3G,
    /// Of the fourth.
    Mode4G,
    /// Of the fifth.
    Mode5G,
}

impl NetworkMode {
    /// All modes, with the SDK's names.
    pub const ALL: [(&'static str, Self); 8] = [
        ("Offline", Self::Offline),
        ("Unknown", Self::Unknown),
        ("Ethernet", Self::Ethernet),
        ("WiFi", Self::WiFi),
        ("2G", Self::Mode2G),
        ("3G", Self::Mode3G),
        ("4G", Self::Mode4G),
        ("5G", Self::Mode5G),
    ];

    /// The SDK's name.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}
