"""What the files of platforms and their processors say, mapped to rows of a merchant's history."""
