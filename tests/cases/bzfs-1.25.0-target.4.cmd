allowed	answer 0 "default_shell-/bin/sh\necho\nsh\nzstd\nmbuffer\npv\n" ""
