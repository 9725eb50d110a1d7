"""What install.sh does, in the standard library alone, run by the system's Python.

install      follows the steps; on a failure puts everything back
steps        the steps of an installation and of a rollback
options      the command line, and what install.conf keeps of it
checks       what must hold before anything is changed, all told at once
releases     versions, building a release, the way back, which ones are kept
layout       which file of a release goes where; remembering what stood there
settings     env, credentials, the self-signed certificate
rehearsal    a version tried before the switch; the live one asked after it
webserver, site   the nginx that others use too; our site in it
units, host  systemctl; commands that fail loudly, files that change whole
removal      uninstall and purge
"""
