//! Things that exceptions can be about and that are neither SKU-locations nor suppliers.
