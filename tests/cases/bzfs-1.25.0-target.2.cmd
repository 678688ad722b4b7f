unknown	control character at byte 35
