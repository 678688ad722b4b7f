allowed	answer 0 "default_shell-/bin/sh\necho\nzpool\nsh\nmbuffer\npv\n" ""
