//! What comes from elsewhere and goes elsewhere: the import of FHIR files.

pub mod import;
