#pragma once

#include "p2/component/Component.h"
#include "p2/core/Result.h"
#include "p2/settings/Settings.h"

namespace p2::app {

/// How the settings have the XMPP server reached. Reads the authorities if it is over TLS; blocks for them.
core::Result<component::Component::Options> componentOptions(const settings::Settings::Xmpp& settings);

}  // namespace p2::app
