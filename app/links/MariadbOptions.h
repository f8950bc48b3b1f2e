#pragma once

#include "p2/mariadb/Options.h"
#include "p2/settings/Settings.h"

namespace p2::app {

/// How a database is reached that settings name.
mariadb::Options mariadbOptions(const settings::Settings::Store::Mariadb& settings);

}  // namespace p2::app
