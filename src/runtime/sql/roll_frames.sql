-- Makes the next partitions of frames and drops those past their retention. Answers how many.
SELECT verbatim.roll_frames(now())
